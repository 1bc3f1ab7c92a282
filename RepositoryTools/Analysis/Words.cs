namespace RepositoryTools.Analysis;

/// <summary>Cuts a line into identifiers.</summary>
internal static class Words
{
    /// <summary>Where the identifiers of a line are. A number is none.</summary>
    internal static IEnumerable<Range> Of(string line)
    {
        var start = -1;
        for (var i = 0; i <= line.Length; i++)
        {
            var isWord = i < line.Length && (char.IsLetterOrDigit(line[i]) || line[i] is '_' or '$');
            if (isWord && start < 0)
            {
                start = i;
            }
            else if (!isWord && start >= 0)
            {
                if (!char.IsDigit(line[start]))
                {
                    yield return start..i;
                }

                start = -1;
            }
        }
    }
}
