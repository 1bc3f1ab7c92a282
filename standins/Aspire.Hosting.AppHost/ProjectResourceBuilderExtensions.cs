using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name) where TProject : IProjectMetadata, new()
    {
        var metadata = new TProject();
        return AddProject(builder, name, metadata, LaunchProfile.ReadDefault(metadata.ProjectPath));
    }

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new()
    {
        var metadata = new TProject();
        return AddProject(builder, name, metadata, launchProfileName is null ? null : LaunchProfile.Read(metadata.ProjectPath, launchProfileName));
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        return builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);
    }

    private static IResourceBuilder<ProjectResource> AddProject(IDistributedApplicationBuilder builder, string name, IProjectMetadata metadata, LaunchProfile? profile)
    {
        var project = builder.AddResource(new ProjectResource(name)).WithAnnotation(new ProjectMetadataAnnotation(metadata));
        foreach (var url in profile?.Urls ?? [])
            project.WithAnnotation(new EndpointAnnotation(url.Scheme, url.Scheme, url.Port) { TargetHost = url.Host });
        return project
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
                if (profile is null)
                    return;
                context.EnvironmentVariables["DOTNET_LAUNCH_PROFILE"] = profile.Name;
                foreach (var (key, value) in profile.EnvironmentVariables)
                    context.EnvironmentVariables[key] = value;
            })
            .WithOtlpExporter();
    }
}

internal sealed class ProjectMetadataAnnotation(IProjectMetadata metadata) : IResourceAnnotation
{
    public string ProjectPath => metadata.ProjectPath;

    public string Directory => Path.GetDirectoryName(metadata.ProjectPath)!;

    /// <summary>What the build made of the project, if it was written down beside its metadata.</summary>
    public string? AssemblyPath => metadata.GetType().GetCustomAttribute<LocalProjectOutputAttribute>()?.AssemblyPath;
}
