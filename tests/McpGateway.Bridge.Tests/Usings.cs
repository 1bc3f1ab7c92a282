global using McpGateway.Tests.Wire;
global using Shouldly;
global using Testing;
global using Xunit;
