namespace Agents.Api.Tests;
