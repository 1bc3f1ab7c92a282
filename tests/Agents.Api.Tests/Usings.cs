global using Agents.Runs;
global using Shouldly;
global using Testing;
global using Xunit;

[assembly: AssemblyFixture(typeof(Agents.Api.Tests.Hosting.ApiFixture))]
