using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace ServiceDefaults.Storage;

/// <summary>
/// The directory that holds the service's files: <c>Storage:Directory</c> (relative to the content root), by default <c>.data</c> in the
/// nearest parent of the content root that holds <c>Agents.sln</c>, else <c>.data</c> in the content root.
/// Created on first use, for this user only.
/// </summary>
public sealed class StorageDirectory
{
    /// <summary>Configuration key of the directory.</summary>
    public const string Key = "Storage:Directory";

    /// <summary>Finds and creates the directory.</summary>
    /// <exception cref="InvalidOperationException">It cannot be created or written; the message names it and says what to set.</exception>
    public StorageDirectory(IConfiguration configuration, IHostEnvironment environment)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(environment);
        var configured = configuration[Key];
        FullPath = string.IsNullOrWhiteSpace(configured)
            ? Path.Combine(SolutionDirectory(environment.ContentRootPath) ?? environment.ContentRootPath, ".data")
            : Path.GetFullPath(configured, environment.ContentRootPath);
        Create();
    }

    /// <summary>The absolute path of the directory.</summary>
    public string FullPath { get; }

    /// <summary>The absolute path of a file in the directory.</summary>
    public string PathOf(string fileName) => Path.Combine(FullPath, fileName);

    private static string? SolutionDirectory(string start)
    {
        for (var directory = new DirectoryInfo(start); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Agents.sln"))) return directory.FullName;
        }

        return null;
    }

    private void Create()
    {
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(FullPath);
            else Directory.CreateDirectory(FullPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            // Permission bits do not tell (read-only mounts, other users): only a write does.
            using (File.Create(PathOf($".write-{Guid.NewGuid():N}"), 1, FileOptions.DeleteOnClose)) { }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException(
                $"{Key} '{FullPath}' cannot be written: {error.Message} " +
                "Set Storage:Directory (environment variable Storage__Directory) to a directory this process may create and write.",
                error);
        }
    }
}
