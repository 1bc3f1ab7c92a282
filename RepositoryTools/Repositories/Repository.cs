using Microsoft.Extensions.Logging;

namespace RepositoryTools.Repositories;

/// <summary>One configured repository.</summary>
internal sealed class Repository
{
    internal Repository(string name, string path, TimeProvider clock, ILogger log)
    {
        Root = new(name, path);
        Index = new(Root, clock, log);
        Clock = clock;
    }

    /// <summary>The name clients use.</summary>
    internal string Name => Root.Name;

    /// <summary>Its folder, out of which no path leads.</summary>
    internal RepositoryRoot Root { get; }

    /// <summary>What is known of its files.</summary>
    internal RepositoryIndex Index { get; }

    /// <summary>Bounds what is asked of git.</summary>
    internal TimeProvider Clock { get; }
}
