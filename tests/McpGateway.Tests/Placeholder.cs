namespace McpGateway.Tests;
