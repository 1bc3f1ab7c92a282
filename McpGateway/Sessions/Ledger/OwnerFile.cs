using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// This gateway's name in the ledger and, where its storage directory can be written, the proof that it lives: a file of that name
/// which it keeps locked. The kernel frees the lock when the process ends, however it ends, and not when it is only paused: whoever
/// can lock the file of another knows that nothing of it runs any more, and need not wait for its time to be over. Invariants: no
/// name is used twice; a file says on which boot of which machine it is locked, from when it is locked; one that is of another, that
/// says nothing, or whose lock keeps nobody out (some network file systems, locking switched off) proves nothing.
/// </summary>
internal sealed class OwnerFile : IDisposable
{
    private const string Prefix = "owner-";
    private const string Extension = ".lock";
    private const int Attempts = 3;

    private readonly string _directory;
    private readonly FileStream? _held;
    private readonly ConcurrentDictionary<string, bool> _dead = new(StringComparer.Ordinal);

    private OwnerFile(string owner, string directory, FileStream? held) => (Owner, _directory, _held) = (owner, directory, held);

    /// <summary>What tells this boot of this machine from every other; where the kernel does not say, the machine's name.</summary>
    public static string Boot { get; } = ReadBoot();

    /// <summary>Unique per start of a process: after a restart the old owner is somebody else, and dead. Ids that clients see carry it, so that it says nothing.</summary>
    public string Owner { get; }

    /// <summary>A name without a proof: its death is only told from its silence, and it learns of others' from theirs.</summary>
    public static OwnerFile WithoutProof() => new(NewName(), "", null);

    /// <summary>Takes a name and locks its file; without proof where that cannot be done.</summary>
    public static OwnerFile Create(string directory, ILogger logger)
    {
        for (var attempt = 1; ; attempt++)
        {
            var owner = NewName();
            try
            {
                return TryHold(FileOf(directory, owner)) is { } held ? new OwnerFile(owner, directory, held) : Unproven("a lock there keeps nobody out");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another gateway may have looked at the file between its making and its locking.
                if (attempt == Attempts) return Unproven(exception.Message);
            }
        }

        OwnerFile Unproven(string reason)
        {
            logger.OwnerUnproven(directory, reason);
            return WithoutProof();
        }
    }

    /// <summary>Owners of this directory that are dead. Each is found again until it is forgotten.</summary>
    public IReadOnlyList<string> FindDead()
    {
        if (_held is null) return [];
        try
        {
            return [.. Directory.EnumerateFiles(_directory, $"{Prefix}*{Extension}").Select(static file => Path.GetFileName(file)[Prefix.Length..^Extension.Length]).Where(IsDead)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether it is certain that the process of this owner has ended.</summary>
    public bool IsDead(string owner)
    {
        if (_held is null || owner == Owner) return false;
        if (_dead.ContainsKey(owner)) return true;
        // Names come from the store too.
        if (!owner.All(char.IsAsciiHexDigitLower) || !IsFree(FileOf(_directory, owner))) return false;
        _dead[owner] = true;
        return true;
    }

    /// <summary>Removes the file of a dead owner, once the ledger knows of its death.</summary>
    public void Forget(string owner) => TryDelete(FileOf(_directory, owner));

    /// <summary>After the ledger was told that this owner has ended.</summary>
    public void Dispose()
    {
        if (_held is null) return;
        var file = _held.Name;
        _held.Dispose();
        TryDelete(file);
    }

    private static FileStream? TryHold(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var held = new FileStream(file, options);
        try
        {
            held.Write(Encoding.ASCII.GetBytes(Boot));
            if (!IsFree(file)) return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }

        held.Dispose();
        TryDelete(file);
        return null;
    }

    private static bool IsFree(string file)
    {
        try
        {
            string boot;
            using (var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            using (var reader = new StreamReader(stream)) boot = reader.ReadToEnd();
            if (boot == Boot) return true;
            // Of an earlier boot, or of another machine that shares the directory but perhaps not its locks.
            if (boot.Length > 0) TryDelete(file);
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is found again at the next look.
        }
    }

    private static string NewName() => RandomNumberGenerator.GetHexString(20, lowercase: true);

    private static string FileOf(string directory, string owner) => Path.Combine(directory, $"{Prefix}{owner}{Extension}");

    private static string ReadBoot()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }
}
