using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>How a resource comes to life on this machine.</summary>
internal abstract record LocalRun
{
    /// <summary>A process of ours.</summary>
    internal sealed record Command(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory) : LocalRun
    {
        /// <summary>A .NET process watches the app host by itself, through a startup hook.</summary>
        internal bool IsDotnet { get; init; }

        /// <summary>What the process reads as standard input; without it, standard input is empty.</summary>
        internal Func<CancellationToken, Task<string>>? Input { get; init; }
    }

    /// <summary>Somebody else runs it; only its address is known.</summary>
    internal sealed record External(string Detail) : LocalRun;

    /// <summary>There is nothing to run it with; those who refer to it go on without.</summary>
    internal sealed record Unused(string Detail) : LocalRun;
}

internal sealed class LocalRunAnnotation(Func<LocalRun> choose) : IResourceAnnotation
{
    private readonly Lazy<LocalRun> _choice = new(choose);

    internal LocalRun Choice => _choice.Value;
}

internal static class LocalRunResourceExtensions
{
    /// <summary>Null for what is no process at all, a parameter for one.</summary>
    internal static LocalRun? RunsAs(this IResource resource) =>
        resource.Annotations.OfType<LocalRunAnnotation>().LastOrDefault()?.Choice
        ?? (resource.Annotations.OfType<ProjectMetadataAnnotation>().LastOrDefault() is { } project ? DotnetCommand(resource, project) : null);

    private static LocalRun.Command DotnetCommand(IResource resource, ProjectMetadataAnnotation project)
    {
        if (project.AssemblyPath is not { } assembly || !File.Exists(assembly))
            throw new DistributedApplicationException($"Resource '{resource.Name}' has not been built: '{project.AssemblyPath ?? project.ProjectPath}' is missing. Run 'dotnet build' on the app host.");
        return new LocalRun.Command(DotnetMuxer.Path, [assembly], project.Directory) { IsDotnet = true };
    }
}

/// <summary>The <c>dotnet</c> that runs this process, so that children get the same one.</summary>
internal static class DotnetMuxer
{
    internal static string Path { get; } = Find();

    // <root>/shared/Microsoft.NETCore.App/<version>/System.Private.CoreLib.dll
    private static string Find()
    {
        var root = new FileInfo(typeof(object).Assembly.Location).Directory?.Parent?.Parent?.Parent;
        var muxer = root is null ? "" : System.IO.Path.Combine(root.FullName, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        return File.Exists(muxer) ? muxer : "dotnet";
    }
}
