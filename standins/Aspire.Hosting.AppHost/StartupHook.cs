using System.Diagnostics;
using System.Runtime.InteropServices;

/// <summary>Runs inside every .NET child before its own code (DOTNET_STARTUP_HOOKS): the child ends when the app host does, however that ends.</summary>
// The runtime looks for exactly this type: no namespace, this name, this method.
internal static class StartupHook
{
    internal const string ParentVariable = "ASPIRE_LOCAL_PARENT_PID";
    internal const string HooksVariable = "DOTNET_STARTUP_HOOKS";
    private const int ParentDeathSignal = 1; // PR_SET_PDEATHSIG
    private const int Terminate = 15;

    public static void Initialize()
    {
        if (!int.TryParse(Environment.GetEnvironmentVariable(ParentVariable), out var parent))
            return;
        ForgetForGrandchildren();
        if (!OperatingSystem.IsWindows())
            _ = SetSid(); // Own session: Ctrl+C in the terminal goes to the app host alone, which then stops its children in order.
        if (OperatingSystem.IsLinux() && ProcessControl(ParentDeathSignal, Terminate, 0, 0, 0) == 0)
        {
            // The parent may have died before the signal was asked for.
            if (GetParent() != parent)
                Environment.Exit(143);
            return;
        }
        new Thread(() => ExitAfter(parent)) { IsBackground = true, Name = "app host watch" }.Start();
    }

    // A grandchild has another parent, started from a thread that may end: the signal would hit it at random.
    private static void ForgetForGrandchildren()
    {
        var own = typeof(StartupHook).Assembly.Location;
        var others = (Environment.GetEnvironmentVariable(HooksVariable) ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(hook => !string.Equals(hook, own, StringComparison.Ordinal));
        var rest = string.Join(Path.PathSeparator, others);
        Environment.SetEnvironmentVariable(HooksVariable, rest.Length == 0 ? null : rest);
        Environment.SetEnvironmentVariable(ParentVariable, null);
    }

    private static void ExitAfter(int parent)
    {
        try
        {
            using var process = Process.GetProcessById(parent);
            process.WaitForExit();
        }
        catch (ArgumentException)
        {
            // No such process: it is gone already.
        }
        Environment.Exit(143);
    }

    [DllImport("libc", EntryPoint = "prctl")]
    private static extern int ProcessControl(int option, nuint argument, nuint third, nuint fourth, nuint fifth);

    [DllImport("libc", EntryPoint = "getppid")]
    private static extern int GetParent();

    [DllImport("libc", EntryPoint = "setsid")]
    private static extern int SetSid();
}
