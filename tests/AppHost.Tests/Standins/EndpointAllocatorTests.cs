using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Local;
using Microsoft.Extensions.Configuration;

namespace AppHost.Tests.Standins;

public sealed class EndpointAllocatorTests
{
    private readonly EndpointAllocator _allocator = new(new ConfigurationBuilder().Build());

    [Fact]
    public void TakenPort_IsAnError_ThatNamesPortResourceAndRemedy()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var builder = DistributedApplication.CreateBuilder([]);
        var sample = builder.AddProject<Projects.SampleService>("shop");
        sample.Resource.Annotations.OfType<EndpointAnnotation>().Single().Port = port;

        var failure = Should.Throw<DistributedApplicationException>(() => _allocator.Allocate(builder.Resources));

        failure.Message.ShouldStartWith($"Port {port} for 'shop' is in use by another process.");
        failure.Message.ShouldContain("change applicationUrl in SampleService/Properties/launchSettings.json");
    }

    [Fact]
    public void PortAskedForTwice_IsAnError_ThatNamesBoth()
    {
        var builder = DistributedApplication.CreateBuilder([]);
        var port = FreePort();
        foreach (var name in new[] { "one", "two" })
            builder.AddProject<Projects.SampleService>(name).Resource.Annotations.OfType<EndpointAnnotation>().Single().Port = port;

        Should.Throw<DistributedApplicationException>(() => _allocator.Allocate(builder.Resources)).Message.ShouldContain($"Port {port} is asked for by 'two' and by 'one'.");
    }

    [Fact]
    public void FirstReplica_KeepsThePort_OthersGetFreeOnes()
    {
        var builder = DistributedApplication.CreateBuilder([]);
        var endpoint = builder.AddProject<Projects.SampleService>("shop").WithReplicas(3).Resource.Annotations.OfType<EndpointAnnotation>().Single();
        endpoint.Port = FreePort();

        _allocator.Allocate(builder.Resources);

        endpoint.AllocatedPorts[0].ShouldBe(endpoint.Port!.Value);
        endpoint.AllocatedPorts.Distinct().Count().ShouldBe(3);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
