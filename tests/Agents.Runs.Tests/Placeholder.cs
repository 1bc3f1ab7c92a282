namespace Agents.Runs.Tests;
