namespace Aspire.Hosting;

public interface IProjectMetadata
{
    /// <summary>Absolute path of the project file.</summary>
    string ProjectPath { get; }

    bool SuppressBuild => false;
}

/// <summary>Ours: where the build put the project's assembly. Written by Aspire.Hosting.AppHost.targets.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class LocalProjectOutputAttribute(string assemblyPath) : Attribute
{
    public string AssemblyPath { get; } = assemblyPath;
}
