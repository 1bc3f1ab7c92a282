global using FaultyUpstream;
global using FaultyUpstream.Faults;
global using Shouldly;
global using Testing;
global using Xunit;
