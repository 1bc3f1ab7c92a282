using AppHost;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>Hands the app host's settings on to services, under the keys they read.</summary>
internal static class SettingsResourceExtensions
{
    /// <summary>One directory for all, on this machine; a deployment keeps its state in Redis.</summary>
    internal static IResourceBuilder<ProjectResource> WithStorage(this IResourceBuilder<ProjectResource> project, AppHostSettings settings) =>
        project.ApplicationBuilder.ExecutionContext.IsRunMode ? project.WithEnvironment("Storage__Directory", settings.StorageDirectory) : project;

    /// <summary>
    /// The sections of the app host's configuration that are the project's own, so that its keys work on the app host's command line. In run
    /// mode only: an upstream's headers may hold secrets, which a published file must not.
    /// </summary>
    internal static IResourceBuilder<ProjectResource> WithSections(this IResourceBuilder<ProjectResource> project, params string[] sections)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
            foreach (var (key, value) in sections.SelectMany(section => project.ApplicationBuilder.Configuration.GetSection(section).AsEnumerable()))
                if (value is not null)
                    project.WithEnvironment(key.Replace(":", "__", StringComparison.Ordinal), value);
        return project;
    }

    /// <summary>Paths of this machine mean nothing in a deployment, so they are given in run mode only.</summary>
    internal static IResourceBuilder<ProjectResource> WithRepositories(this IResourceBuilder<ProjectResource> project, AppHostSettings settings)
    {
        if (project.ApplicationBuilder.ExecutionContext.IsRunMode)
            foreach (var repository in settings.Repositories)
                project.WithEnvironment($"Repositories__{repository.Name}__Path", repository.Path);
        return project;
    }

    /// <summary>The key is a parameter only where there is one: a missing value would make publishing wait for an answer.</summary>
    internal static IResourceBuilder<ProjectResource> WithModel(this IResourceBuilder<ProjectResource> project, AppHostSettings settings)
    {
        foreach (var (name, value) in settings.Model.Values)
            project.WithEnvironment(name, value);
        return settings.Model.ApiKey is { } key
            ? project.WithEnvironment(ModelSettings.KeyVariable, project.ApplicationBuilder.AddParameter(ModelSettings.KeyParameter, () => key, secret: true))
            : project;
    }
}
