using System.Text.Json;

namespace RepositoryTools.Tests;

public sealed class RelationshipTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _folder.Write("src/Stores.cs", """
            namespace Shop;
            public interface IStore { void Save(Order order); }
            public abstract class StoreBase { protected void Log(string text) { } }
            public class OrderStore : StoreBase, IStore
            {
                public void Save(Order order) { Log(order.Name); Check(order); }
                private static void Check(Order order) { }
            }
            public class FastStore : OrderStore { }
            """);
        _folder.Write("src/Order.cs", "namespace Shop;\npublic record Order(string Name);\n");
        _folder.Write("src/Checkout.cs", """
            namespace Shop;
            public class Checkout(IStore store)
            {
                private readonly OrderStore _own = new OrderStore();
                public void Pay(Order order) { store.Save(order); _own.Save(order); new Other().Save(order); }
            }
            public class Other { public void Save(Order order) { } }
            """);
        _folder.Write("py/base.py", "class Base:\n    pass\n");
        _folder.Write("py/store.py", "from base import Base\n\nclass Store(Base):\n    def save(self, item):\n        return check(item)\n\ndef check(item):\n    return item.upper()\n\ndef run():\n    # Store\n    store = Store()\n    store.save(1)\n");
        _folder.Write("py/other.py", "class Text:\n    def upper(self):\n        return 1\n");
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Type_TellsWhatItStandsOn_IsMadeOf_AndWhoUsesIt()
    {
        var answer = await _tools.AnswerAsync("get_entity_relationships", ("name", "OrderStore"));

        answer.Text("method").ShouldStartWith("Roslyn semantic model");
        answer.GetProperty("entity").Text("file").ShouldBe("src/Stores.cs");
        answer.GetProperty("entity").Number("line").ShouldBe(4);
        Rows(answer).ShouldBe(
        [
            "inherits StoreBase src/Stores.cs:3", "implements IStore src/Stores.cs:2",
            "contains OrderStore.Save src/Stores.cs:6", "contains OrderStore.Check src/Stores.cs:7",
            "uses StoreBase src/Stores.cs:3", "uses IStore src/Stores.cs:2", "uses Order src/Order.cs:2",
            "calls StoreBase.Log src/Stores.cs:3", "uses Order.Name src/Order.cs:2",
            "used_by Checkout._own src/Checkout.cs:4", "derived_by FastStore src/Stores.cs:9",
        ]);
        answer.Number("total").ShouldBe(11);
    }

    [Fact]
    public async Task Method_IsCalledBy_WhoMeansIt_AlsoThroughItsInterface()
    {
        var rows = Rows(await _tools.AnswerAsync("get_entity_relationships", ("name", "OrderStore.Save")));

        rows.ShouldContain("implements IStore.Save src/Stores.cs:2");
        rows.ShouldContain("calls OrderStore.Check src/Stores.cs:7");
        rows.ShouldContain("called_by Checkout.Pay src/Checkout.cs:5");
        Rows(await _tools.AnswerAsync("get_entity_relationships", ("name", "Other.Save")))
            .Where(r => r.StartsWith("called_by", StringComparison.Ordinal)).ShouldBe(["called_by Checkout.Pay src/Checkout.cs:5"]);
        Rows(await _tools.AnswerAsync("get_entity_relationships", ("name", "FastStore")))
            .ShouldNotContain(r => r.StartsWith("called_by", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Name_ThatIsAmbiguous_IsAnsweredWithCandidates_ThatWorkAsNames()
    {
        var answer = await _tools.AnswerAsync("get_entity_relationships", ("name", "Save"));

        answer.TryGetProperty("entity", out _).ShouldBeFalse();
        answer.Rows("relationships").ShouldBeEmpty();
        var candidates = answer.Rows("candidates");
        candidates.Select(c => c.Text("container")).ShouldBe(["Shop.Other", "Shop.IStore", "Shop.OrderStore"], ignoreOrder: true);
        foreach (var candidate in candidates)
        {
            var place = $"{candidate.Text("file")}:{candidate.Number("line")}";
            (await _tools.AnswerAsync("get_entity_relationships", ("name", $"{candidate.Text("container")}.Save"))).GetProperty("entity").Text("container").ShouldBe(candidate.Text("container"));
            (await _tools.AnswerAsync("get_entity_relationships", ("name", place))).GetProperty("entity").Number("line").ShouldBe(candidate.Number("line"));
        }
    }

    [Fact]
    public async Task Name_ThatIsUnknown_IsAToolErrorWithNearNames() =>
        (await _tools.FaultAsync("get_entity_relationships", ("name", "OrderStor"))).ShouldContain("Near it: OrderStore");

    [Fact]
    public async Task OtherLanguages_AreMatchedByName_WithoutCommentsAndStrangers()
    {
        var store = await _tools.AnswerAsync("get_entity_relationships", ("name", "Store"), ("limit", 10));

        store.Text("method").ShouldStartWith("matching of names");
        Rows(store).ShouldBe(
        [
            "contains Store.save py/store.py:4", "inherits Base py/base.py:1", "calls check py/store.py:7", "used_by run py/store.py:12",
        ]);
        Rows(await _tools.AnswerAsync("get_entity_relationships", ("name", "check"))).ShouldBe(["called_by Store.save py/store.py:5"]);
        Rows(await _tools.AnswerAsync("get_entity_relationships", ("name", "Base"))).ShouldContain("derived_by Store py/store.py:3");
    }

    [Fact]
    public async Task Limit_CutsTheRows_ButNotTheTotal()
    {
        var answer = await _tools.AnswerAsync("get_entity_relationships", ("name", "OrderStore"), ("limit", 2));

        answer.Rows("relationships").Count.ShouldBe(2);
        answer.Number("total").ShouldBe(11);
    }

    private static List<string> Rows(JsonElement answer) =>
        [.. answer.Rows("relationships").Select(r => $"{r.Text("kind")} {r.Text("name")} {r.Text("file")}:{r.Number("line")}")];
}
