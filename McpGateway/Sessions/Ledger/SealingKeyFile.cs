using System.Security.Cryptography;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// The key of a gateway that was given none: made once, beside the database, readable by this user alone. Two gateways that
/// start at once end up with the same key: the file appears whole, and the later one takes the earlier one's.
/// </summary>
internal static class SealingKeyFile
{
    public const string Name = "gateway.key";

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <exception cref="Upstreams.GatewayConfigurationException">The file holds no key, or others may read it.</exception>
    public static SealingKey Open(string directory)
    {
        var file = Path.Combine(directory, Name);
        try
        {
            if (!File.Exists(file)) Create(file);
            return Read(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new Upstreams.GatewayConfigurationException([$"The key file {file} cannot be used: {exception.Message} Correct Storage:Directory, or set {SealingKeyOptions.Section}."]);
        }
    }

    private static void Create(string file)
    {
        var whole = $"{file}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(whole, options)) writer.WriteLine(Convert.ToBase64String(RandomNumberGenerator.GetBytes(SealingKey.Size)));
        try
        {
            File.Move(whole, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            // Another gateway was first.
            File.Delete(whole);
        }
    }

    private static SealingKey Read(string file)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & Others) != 0)
            throw new Upstreams.GatewayConfigurationException([$"The key file {file} may be read or written by others. Run: chmod 600 {file}"]);
        var bytes = new byte[SealingKey.Size];
        if (!Convert.TryFromBase64String(File.ReadAllText(file).Trim(), bytes, out var length) || length != SealingKey.Size)
            throw new Upstreams.GatewayConfigurationException([$"The key file {file} holds no key of 32 bytes in base64. Remove it: a new one is made, and sessions sealed with the old one are opened anew."]);
        // Named after its content, so that what another machine's file sealed is known to be sealed with another key.
        return new SealingKey($"file-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]}", [.. bytes]);
    }
}
