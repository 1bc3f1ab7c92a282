using RepositoryTools.Analysis;

namespace RepositoryTools.Repositories;

/// <summary>One file of a repository and what was read from it.</summary>
/// <param name="Path">Relative to the repository, forward slashes.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="ModifiedAt">Last write, as the file system tells; with the size it says whether the reading still holds.</param>
/// <param name="Language">Null when its name tells none.</param>
/// <param name="IsTest">Whether it is part of tests.</param>
/// <param name="Reading">What its text says; null when it is binary, too large or unreadable.</param>
internal sealed record SourceFile(string Path, long Bytes, DateTime ModifiedAt, Language? Language, bool IsTest, FileReading? Reading)
{
    /// <summary>Whether duplicates and missing tests are looked for in it.</summary>
    internal bool IsOwnCode => Language is { IsCode: true } && Reading is { IsGenerated: false } && !KnownFolders.IsForeign(Path);
}

/// <summary>All files of a repository at one moment. Never changed once made, so that a call sees one state from begin to end.</summary>
/// <param name="Files">In ordinal order of their paths.</param>
/// <param name="TotalFiles">More than are in <paramref name="Files"/> where the repository has too many.</param>
/// <param name="Projects">What its .NET projects say.</param>
internal sealed record Snapshot(IReadOnlyList<SourceFile> Files, int TotalFiles, DotNetProjects Projects)
{
    /// <summary>A sentence about what was left out; empty when nothing was.</summary>
    internal string Notice => TotalFiles > Files.Count
        ? $"This repository has {TotalFiles} files; only the first {Files.Count} by path are read."
        : "";
}
