using Microsoft.Extensions.Configuration;

namespace AppHost;

/// <summary>What the model is built from, read and checked once. With errors nothing may start.</summary>
internal sealed record AppHostSettings(
    string StorageDirectory, IReadOnlyList<Repository> Repositories, int WorkerReplicas, ModelSettings Model, IReadOnlyList<string> Errors)
{
    private const int MaxWorkerReplicas = 16;

    internal static AppHostSettings Read(AppHostArguments arguments, IConfiguration configuration, string appHostDirectory)
    {
        var errors = arguments.Errors.ToList();
        var solution = SolutionDirectory(appHostDirectory);
        var repositories = Repository.ReadAll(arguments.Repositories, configuration, solution, errors);
        var replicas = ReadReplicas(configuration, errors);
        var model = ModelSettings.Read(configuration, errors);
        var storage = configuration["Storage:Directory"] is { Length: > 0 } given ? Path.GetFullPath(given) : Path.Combine(solution, ".data");
        return new AppHostSettings(storage, repositories, replicas, model, errors);
    }

    private static int ReadReplicas(IConfiguration configuration, List<string> errors)
    {
        var text = configuration["Workers:Replicas"] ?? "1";
        if (int.TryParse(text, out var replicas) && replicas is >= 1 and <= MaxWorkerReplicas)
            return replicas;
        errors.Add($"Workers:Replicas is '{text}': give a number from 1 to {MaxWorkerReplicas}.");
        return 1;
    }

    private static string SolutionDirectory(string start)
    {
        for (var directory = new DirectoryInfo(start); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "Agents.sln")))
                return directory.FullName;
        return start;
    }
}
