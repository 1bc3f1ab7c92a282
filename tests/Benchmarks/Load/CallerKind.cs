namespace Benchmarks.Load;

/// <summary>How the load speaks.</summary>
internal enum CallerKind
{
    /// <summary>Revision 2026-07-28: no session, an envelope in every request.</summary>
    Modern,

    /// <summary>Revision 2025-11-25: <c>initialize</c>, then calls within that session.</summary>
    Session,
}
