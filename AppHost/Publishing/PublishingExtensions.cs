namespace Aspire.Hosting;

/// <summary>Where <c>aspire publish</c> and <c>aspire deploy</c> put the system: <c>Publishing:Target</c>, by default <c>azure-container-apps</c>.</summary>
internal static class PublishingExtensions
{
    private const string Key = "Publishing:Target";
    private const int MaxWorkers = 10;

    internal static IDistributedApplicationBuilder AddPublishing(this IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsPublishMode)
            return builder;
        switch (builder.Configuration[Key] ?? "azure-container-apps")
        {
            case "azure-container-apps":
                AddContainerApps(builder);
                break;
            case "docker-compose":
                builder.AddDockerComposeEnvironment("compose");
                break;
            case "kubernetes":
                builder.AddKubernetesEnvironment("kubernetes");
                break;
            case var other:
                throw new DistributedApplicationException($"{Key} is '{other}': give azure-container-apps, docker-compose or kubernetes.");
        }
        return builder;
    }

    // WithReplicas sets the minimum only, and without a maximum the platform's own applies.
    private static void AddContainerApps(IDistributedApplicationBuilder builder)
    {
        builder.AddAzureContainerAppEnvironment("container-apps").WithDashboard();
        foreach (var project in builder.Resources.OfType<ProjectResource>().ToList())
        {
            var maximum = project.Name == "agents-worker" ? MaxWorkers : 1;
            builder.CreateResourceBuilder(project).PublishAsAzureContainerApp((_, app) =>
            {
                app.Template.Scale.MinReplicas = 1;
                app.Template.Scale.MaxReplicas = Math.Max(maximum, project.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1);
            });
        }
    }
}
