global using Shouldly;
global using Testing;
global using Xunit;

using Conformance.Peers;
using Conformance.Setting;

// Measured one after the other: parts of the suite wait for a notification only so long.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(Measurement))]
[assembly: AssemblyFixture(typeof(PeerMeasurement))]
