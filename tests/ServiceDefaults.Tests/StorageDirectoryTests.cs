using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using ServiceDefaults.Storage;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class StorageDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();

    [Fact]
    public void Directory_IsInTheNearestParentThatHoldsTheSolution()
    {
        _root.Write("Agents.sln", "");
        var project = Directory.CreateDirectory(_root.PathOf("src", "Service"));

        Open(project.FullName).FullPath.ShouldBe(_root.PathOf(".data"));
    }

    [Fact]
    public void Directory_IsInTheContentRoot_WhenThereIsNoSolution() =>
        Open(_root.FullPath).PathOf("agents.db").ShouldBe(_root.PathOf(".data", "agents.db"));

    [Fact]
    public void Directory_IsTheConfiguredOne_SeenFromTheContentRoot()
    {
        Open(_root.FullPath, "state/here").FullPath.ShouldBe(_root.PathOf("state", "here"));
        Open(_root.FullPath, _root.PathOf("absolute")).FullPath.ShouldBe(_root.PathOf("absolute"));
    }

    [Fact]
    public void Directory_IsForThisUserOnlyAndLeftEmpty()
    {
        var directory = Open(_root.FullPath).FullPath;

        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(directory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.EnumerateFileSystemEntries(directory).ShouldBeEmpty();
    }

    [Fact]
    public void Directory_SaysWhatToSet_WhenItCannotBeWritten()
    {
        var file = _root.Write("file", "not a directory");

        var error = Should.Throw<InvalidOperationException>(() => Open(_root.FullPath, Path.Combine(file, "data")));

        error.Message.ShouldStartWith($"Storage:Directory '{Path.Combine(file, "data")}' cannot be written:");
        error.Message.ShouldContain("Storage__Directory");
    }

    [Fact]
    public async Task Service_DoesNotStart_WhenTheDirectoryCannotBeWritten()
    {
        var file = _root.Write("file", "not a directory");
        await using var app = TestService.Build(new() { ["Storage:Directory"] = Path.Combine(file, "data") }, builder => builder.AddStorageDirectory());
        using var errors = new StringWriter();

        (await app.RunServiceAsync(errors)).ShouldBe(1);

        errors.ToString().ShouldContain("Storage:Directory '");
    }

    [Theory]
    [InlineData("localhost:6379", false)]
    [InlineData(null, true)]
    public async Task Directory_IsMadeAtStart_UnlessTheStateIsInRedis(string? connection, bool made)
    {
        await using var service = await TestService.StartAsync(
            new() { ["Storage:Directory"] = _root.PathOf("data"), ["ConnectionStrings:cache"] = connection },
            builder => builder.AddStorageDirectory());

        Directory.Exists(_root.PathOf("data")).ShouldBe(made);
        service.App.Services.GetRequiredService<StorageDirectory>().FullPath.ShouldBe(_root.PathOf("data"));
    }

    public void Dispose() => _root.Dispose();

    private static StorageDirectory Open(string contentRoot, string? configured = null)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Storage:Directory"] = configured })
            .Build();
        return new StorageDirectory(configuration, new ContentRoot(contentRoot));
    }

    private sealed class ContentRoot(string path) : IHostEnvironment
    {
        public string ApplicationName { get; set; } = "test";
        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
        public string ContentRootPath { get; set; } = path;
        public string EnvironmentName { get; set; } = Environments.Production;
    }
}
