using System.Net;
using Agents.Runs;
using Microsoft.Extensions.Options;

namespace Agents.Api.Webhooks;

/// <summary>What a run's webhook must fulfil before the run is stored.</summary>
internal sealed class WebhookRules(IOptions<WebhookOptions> options, WebhookAddresses addresses)
{
    private const string Field = "webhook.url";

    private const int MaxChars = 2000;

    public IEnumerable<FieldError> Check(RunWebhook? webhook)
    {
        if (webhook is null)
            yield break;
        if (options.Value.Secrets.Count == 0)
            yield return new("webhook", "cannot be used: nothing is configured to sign messages with. Set Webhooks:Secrets:0 at the Api.");
        if (!Uri.TryCreate(webhook.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || webhook.Url.Length > MaxChars)
            yield return new(Field, $"'{Short(webhook.Url)}' is not an absolute http or https URL of at most {MaxChars} characters.");
        else if (url.UserInfo.Length > 0)
            yield return new(Field, "carries a user name or password, which would be kept with the run. Leave it out: messages are signed.");
        else if (IPAddress.TryParse(url.IdnHost, out var address) && !addresses.Allows(address))
            yield return new(Field, $"leads to {address}, which is no public address. If it shall be reached, name its network in Webhooks:AllowedNetworks.");
    }

    private static string Short(string? value) => value is null ? "" : value.Length <= 80 ? value : value[..80] + "…";
}
