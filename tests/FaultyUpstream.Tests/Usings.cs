global using FaultyUpstream.Control;
global using FaultyUpstream.Faults;
global using Shouldly;
global using Testing;
global using Xunit;
