namespace Agents.Runs;

/// <summary>
/// Which tools the agents of a run may use. Tools are named as their server names them, such as <c>search_code</c>, or with the gateway's prefix,
/// such as <c>repository__search_code</c>; <c>*</c> and <c>?</c> stand for any text and any character.
/// </summary>
public sealed record RunTools
{
    /// <summary>Only these; null allows all.</summary>
    public IReadOnlyList<string>? Allow { get; init; }

    /// <summary>None of these, even where <see cref="Allow"/> has them.</summary>
    public IReadOnlyList<string>? Deny { get; init; }

    /// <summary>Calls of these wait for somebody's consent, once per call.</summary>
    public IReadOnlyList<string>? RequireApproval { get; init; }
}
