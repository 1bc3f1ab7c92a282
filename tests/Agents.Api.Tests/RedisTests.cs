using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Agents.Api.Tests;

/// <summary>The Api's process on a Redis server.</summary>
public sealed class RedisTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Runs_AreInRedis_WhenThereIsAConnectionString()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var api = await StartAsync(redis.ConnectionString);

        (await SubmitAsync(api)).ShouldBe(HttpStatusCode.Accepted);

        File.Exists(_directory.PathOf("agents.db")).ShouldBeFalse();
        api.Output.ShouldNotContain(line => line.Contains("SQLite", StringComparison.Ordinal));
        (await api.Client.GetStringAsync("/health", Cancel)).ShouldContain("Healthy");
    }

    [Fact]
    public async Task Redis_IsReachedOverTlsWithAPassword_WhenTheConnectionStringSaysSo()
    {
        var (certificate, key) = WriteCertificate();
        await using var redis = await RedisProcess.StartAsync(
            "--save", "", "--requirepass", "hunter2", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no");
        await using var api = await StartAsync($"127.0.0.1:{redis.Port},ssl=true,sslHost=localhost,password=hunter2", certificate);

        (await SubmitAsync(api)).ShouldBe(HttpStatusCode.Accepted);

        api.Output.ShouldNotContain(line => line.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_StartsAndSaysUnavailable_WhenRedisIsAway_AndWorksWhenItComes()
    {
        await using var redis = await RedisProcess.StartAsync();
        await redis.StopAsync();
        await using var api = await StartAsync(redis.ConnectionString);
        await api.WaitForLineAsync("No runs can be taken yet");
        (await SubmitAsync(api)).ShouldBe(HttpStatusCode.ServiceUnavailable);

        await redis.RunAsync();

        await Eventually.SeesAsync(() => SubmitAsync(api), status => status == HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task Service_RefusesRunsOfANewerVersion_WithASentence()
    {
        await using var redis = await RedisProcess.StartAsync();
        using (var connection = new System.Net.Sockets.TcpClient("127.0.0.1", redis.Port))
        {
            var stream = connection.GetStream();
            await stream.WriteAsync("SET agents:default:{runs}:schema 99\r\n"u8.ToArray(), Cancel);
            await stream.ReadExactlyAsync(new byte["+OK\r\n".Length], Cancel);
        }

        await using var api = ServiceProcess.Launch("Agents.Api", "http://127.0.0.1:0", environment: Environment(redis.ConnectionString));

        (await api.WaitForExitAsync()).ShouldBe(1);
        string.Join('\n', api.Output).ShouldContain("newer version of this program (schema 99");
    }

    public void Dispose() => _directory.Dispose();

    private Task<ServiceProcess> StartAsync(string redis, string? authority = null) => ServiceProcess.StartAsync("Agents.Api", environment: Environment(redis, authority));

    private Dictionary<string, string?> Environment(string redis, string? authority = null) => new()
    {
        ["Storage__Directory"] = _directory.FullPath,
        ["ConnectionStrings__cache"] = redis,
        // Where OpenSSL, and so .NET on Linux, finds the authorities it trusts.
        ["SSL_CERT_FILE"] = authority,
    };

    private static async Task<HttpStatusCode> SubmitAsync(ServiceProcess api)
    {
        using var answer = await api.Client.PostAsJsonAsync("/api/v1/runs", new { repository = "self", query = "q" }, Cancel);
        return answer.StatusCode;
    }

    /// <summary>A certificate that is its own authority.</summary>
    private (string Certificate, string Key) WriteCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return (_directory.Write("redis.crt", certificate.ExportCertificatePem()), _directory.Write("redis.key", key.ExportPkcs8PrivateKeyPem()));
    }
}
