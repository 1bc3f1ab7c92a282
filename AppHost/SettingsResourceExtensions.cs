using AppHost;

namespace Aspire.Hosting;

/// <summary>Hands the app host's settings on to services, under the keys they read.</summary>
internal static class SettingsResourceExtensions
{
    /// <summary>One directory for all, on this machine; a deployment keeps its state in Redis.</summary>
    internal static IResourceBuilder<ProjectResource> WithStorage(this IResourceBuilder<ProjectResource> project, AppHostSettings settings) =>
        project.ApplicationBuilder.ExecutionContext.IsRunMode ? project.WithEnvironment("Storage__Directory", settings.StorageDirectory) : project;

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
