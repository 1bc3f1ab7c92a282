using System.Text.Json;
using FaultyUpstream.Faults;

namespace FaultyUpstream.Control;

/// <summary><c>/control</c>: <see cref="UpstreamControl"/> over HTTP, in JSON.</summary>
internal sealed class ControlEndpoint(UpstreamControl control)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/control", context => AnswerAsync(context, control.Read()));
        routes.MapPost("/control/faults", context => CommandAsync<Fault>(context, fault => AnswerAsync(context, new { id = control.Set(fault!) }), required: true));
        routes.MapDelete("/control/faults", context => Do(context, control.Behave));
        routes.MapDelete("/control/faults/{id:int}", context => RemoveAsync(context));
        routes.MapPost("/control/drop", context => CommandAsync<DropSessions>(context, which => AnswerAsync(context, new { dropped = control.Drop(which) })));
        routes.MapPost("/control/restart", context => Do(context, control.Restart));
        routes.MapPost("/control/release", context => Do(context, control.Release));
        routes.MapPost("/control/list-changed", context => CommandAsync<ListChange>(context, async change => await AnswerAsync(context, new { notified = await control.ChangeListAsync(change) })));
        routes.MapPost("/control/settings", context => CommandAsync<UpstreamSettings>(context, settings => Do(context, () => control.Change(settings!)), required: true));
        routes.MapDelete("/control/counters", context => Do(context, control.ResetCounters));
    }

    private Task RemoveAsync(HttpContext context)
    {
        var id = int.Parse((string)context.Request.RouteValues["id"]!, System.Globalization.CultureInfo.InvariantCulture);
        return control.Remove(id) ? Do(context, () => { }) : RefuseAsync(context, StatusCodes.Status404NotFound, $"Fault {id} is not set: it is used up, or never was.");
    }

    private static async Task CommandAsync<T>(HttpContext context, Func<T?, Task> run, bool required = false)
        where T : class
    {
        try
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            if (body.Length == 0 && required) throw new ControlException($"The body is empty: give a {typeof(T).Name} in JSON.");
            await run(body.Length == 0 ? null : JsonSerializer.Deserialize<T>(body, ControlJson.Options));
        }
        catch (Exception error) when (error is ControlException or JsonException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, error is JsonException wrong ? ControlJson.Explain(wrong) : error.Message);
        }
    }

    private static Task Do(HttpContext context, Action action)
    {
        action();
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static Task AnswerAsync<T>(HttpContext context, T body) => context.Response.WriteAsJsonAsync(body, ControlJson.Options, context.RequestAborted);

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return AnswerAsync(context, new { error });
    }
}
