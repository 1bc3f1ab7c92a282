namespace Agents.Worker.Tests;
