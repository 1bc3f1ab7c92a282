namespace AppHost.Tests;
