using Conformance.Suite;

namespace Conformance.Setting;

/// <summary>One row of the table: clients of a revision, on an upstream of a revision, which the gateway reaches over a transport.</summary>
internal sealed record Cell(string Client, string Upstream, string Transport)
{
    private const string NoKeys =
        "It demands keys the upstream chose for its input requests; requests of an older server have no keys, so the gateway has to choose them.";

    /// <summary>Scenarios that cannot apply to a newer client on an older upstream, with the reason.</summary>
    private static readonly IReadOnlyDictionary<string, string> s_notOnOlder = new Dictionary<string, string>
    {
        ["input-required-result-basic-elicitation"] = NoKeys,
        ["input-required-result-ignore-extra-params"] = NoKeys,
    };

    public static IReadOnlyList<Cell> All { get; } =
    [
        .. from client in RequirementSet.Revisions
           from upstream in UpstreamUnderTest.All
           select new Cell(client, upstream.Revision, upstream.Transport),
    ];

    /// <summary>The suite speaks Streamable HTTP only, and a server of another era would not understand it: the rest has nothing to stand beside.</summary>
    public bool HasDirect => Client == Upstream && Transport == UpstreamUnderTest.Http;

    /// <summary>What is not asked for here, with the reason.</summary>
    public IReadOnlyDictionary<string, string> NotApplicable =>
        Client == RequirementSet.Modern && Upstream == RequirementSet.Legacy ? s_notOnOlder : new Dictionary<string, string>();

    /// <summary>Short enough for the name of a test: the client's revision on the upstream's.</summary>
    public override string ToString() => $"{Client} on {Upstream} over {Transport}";
}
