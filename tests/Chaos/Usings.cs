global using Shouldly;
global using Testing;
global using Xunit;

// Each test wants the machine for itself: they compare times within a run and count what comes through.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
