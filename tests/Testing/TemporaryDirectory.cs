namespace Testing;

/// <summary>An empty directory of the test's own, deleted with all it holds at the end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("agents-test-");

    /// <summary>The absolute path, links resolved (the temporary folder is a link on some systems).</summary>
    public string FullPath => _directory.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? _directory.FullName;

    /// <summary>The absolute path of something in the directory.</summary>
    public string PathOf(params string[] parts) => Path.Combine([FullPath, .. parts]);

    /// <summary>Writes a text file, its folders included, and returns its absolute path.</summary>
    public string Write(string relativePath, string text)
    {
        var path = PathOf(relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_directory.Exists) _directory.Delete(recursive: true);
    }
}
