using System.Text;

namespace Agents.Worker.Loop;

/// <summary>Lets the text of a streamed turn through up to its result block. Holds back only what may be the beginning of the fence.</summary>
internal sealed class ResultBlockFilter
{
    private const int NotAtLineStart = -1;

    // How much of the fence the current line has matched so far; the block has begun when it is all of it.
    private int _matched;

    private bool InBlock => _matched == ResultBlock.Fence.Length;

    /// <summary>Forgets the turn; the next text begins another.</summary>
    public void Reset() => _matched = 0;

    /// <summary>Takes a piece; gives what may be shown now.</summary>
    public string Add(string piece)
    {
        var shown = new StringBuilder(piece.Length);
        foreach (var c in piece)
        {
            if (InBlock) break;
            if (_matched >= 0 && c == ResultBlock.Fence[_matched])
            {
                _matched++;
                continue;
            }

            shown.Append(Release()).Append(c);
            if (c == '\n') _matched = 0;
        }

        return shown.ToString();
    }

    /// <summary>The turn is over: gives what was held back in vain.</summary>
    public string End() => InBlock ? "" : Release();

    private string Release()
    {
        var held = _matched > 0 ? ResultBlock.Fence[.._matched] : "";
        _matched = NotAtLineStart;
        return held;
    }
}
