namespace ServiceDefaults.Tests;
