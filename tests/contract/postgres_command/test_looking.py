"""What a person sees of a database that was moved, also when half of it is gone."""

from tests.contract.postgres.pairs import PASSWORD
from tests.contract.postgres_command.commands import Shop
from tests.contract.postgres_ports.moved import rows_of

_DEAD = "host=127.0.0.1 port=1 dbname=shop user=keeper password=made-up"


def test_status_of_a_database_that_nothing_was_done_to(shop: Shop) -> None:
    before = _schemas(shop)
    ended = shop.run("status")
    assert (ended.status, ended.last) == (0, "shop: both sides answer; there is no checkpoint")
    assert "source: PostgreSQL 15." in ended.out
    assert "target: PostgreSQL 17." in ended.out
    assert "fence: none, the target takes writes" in ended.out
    assert _schemas(shop) == before


def _schemas(shop: Shop) -> object:
    pair = shop.moved.pair
    return [rows_of(side, "SELECT nspname FROM pg_namespace ORDER BY 1") for side in (pair.source, pair.target)]


def test_status_tells_what_was_captured(shop: Shop) -> None:
    shop.run("checkpoint", "--id", "c1")
    shop.on_target("UPDATE items SET a = 'x' WHERE id <= 3")
    ended = shop.run("status", "--json")
    target = ended.json["shown"]["target"]["checkpoints"]
    assert [(one["id"], one["capture"], one["tables"], one["keys"], one["lost"]) for one in target] == [
        ("c1", "triggers", 2, 3, [])
    ]
    assert ended.json["says"] == "shop: both sides answer; rows can go back to the checkpoint c1"


def test_status_of_one_side_when_the_other_does_not_answer(shop: Shop) -> None:
    shop.run("checkpoint", "--id", "c1")
    ended = shop.run("status", SHOP_SOURCE=_DEAD)
    assert ended.status == 1
    assert "Connection refused" in ended.said
    assert "target: PostgreSQL 17." in ended.out
    assert "checkpoint c1" in ended.out


def test_status_needs_people_when_capture_was_lost(shop: Shop) -> None:
    shop.run("checkpoint", "--id", "c1")
    shop.on_target("DROP TRIGGER rollback_controller_log_update ON items")
    ended = shop.run("status")
    assert ended.status == 2
    assert "not known: public.items: its triggers for update are gone" in ended.out


def test_status_needs_people_when_a_right_is_missing(shop: Shop) -> None:
    shop.both("CREATE TABLE without_key (a text)")
    ended = shop.run("status")
    assert ended.status == 2
    assert "blocks: public.without_key: it has no primary key" in ended.out


def test_status_of_a_slot(shop: Shop) -> None:
    shop.write("capture: slot")
    with shop.moved.pair.target.connect() as server:
        server.execute("ALTER ROLE keeper REPLICATION")
        try:
            assert shop.run("checkpoint", "--id", "c1").status == 0
            assert "slot: it stands; keeps " in shop.run("status").out
            [(name,)] = rows_of(shop.moved.pair.target, "SELECT pubname::text FROM pg_publication")
            server.execute(f"ALTER PUBLICATION {name} DROP TABLE notes".encode())
            ended = shop.run("status")
            assert f"not known: public.notes: the slot {name} does not tell all that was written to it" in ended.out
            assert "not known: public.items" not in ended.out
            assert shop.run("end").status == 0
            assert "slot: it stands" not in shop.run("status").out
        finally:
            server.execute("ALTER ROLE keeper NOREPLICATION")


def test_preview_tells_each_table_and_what_would_be_lost(shop: Shop) -> None:
    shop.run("checkpoint", "--id", "c1")
    shop.on_target("UPDATE items SET a = 'x' WHERE id <= 3", "CREATE TABLE extra (id int PRIMARY KEY)")
    shop.on_target("INSERT INTO extra VALUES (1), (2)", "INSERT INTO items (a) VALUES ('new')")
    ended = shop.run("preview")
    assert ended.status == 2
    assert "stays behind: public.extra: it is not on the source: none of its rows can go back (2)" in ended.out
    assert [line.split()[:5] for line in ended.out.splitlines() if line.startswith("public.")] == [
        ["public.items", "1", "3", "0", "0"],
        ["public.notes", "0", "0", "0", "0"],
    ]
    assert "sequence public.items_id_seq: from 20 to 21" in ended.out
    digest = shop.run("preview", "--checkpoint", "c1", "--json").json["shown"]["digest"]
    assert f"--agree {digest}" in ended.said


def test_what_the_policy_refuses_cannot_be_agreed_to(shop: Shop) -> None:
    shop.write("loss: {above: refuse}")
    shop.run("checkpoint", "--id", "c1")
    shop.on_target("CREATE TABLE extra (id int PRIMARY KEY)", "INSERT INTO extra VALUES (1)")
    ended = shop.run("preview")
    assert (ended.status, "--agree" in ended.said) == (1, False)


def test_preview_without_a_checkpoint(shop: Shop) -> None:
    ended = shop.run("preview")
    assert (ended.status, ended.out) == (1, "")
    assert ended.said == "there is no checkpoint of shop on the target: rows cannot go back\n"
    assert shop.run("preview", "--checkpoint", "other").status == 1


def test_conflicts_show_both_images(shop: Shop) -> None:
    shop.write("conflicts: source_wins")
    shop.run("checkpoint", "--id", "c1")
    shop.both("UPDATE items SET a = current_database() WHERE id = 2")
    shop.on_source("DELETE FROM notes WHERE id = 3")
    shop.on_target("UPDATE notes SET said = 'theirs' WHERE id = 3")
    assert shop.run("resume", "--sync", "s1").status == 0
    ended = shop.run("conflicts", "--sync", "s1")
    pair = shop.moved.pair
    assert ended.out.splitlines() == [
        "public.items (2): that of the source was kept",
        f"  source: (2,{pair.source.name})",
        f"  target: (2,{pair.target.name})",
        "public.notes (3): that of the source was kept",
        "  source: no row",
        "  target: (3,3,theirs)",
        "2 rows were changed on both sides",
    ]
    shown = shop.run("conflicts", "--sync", "s1", "--json").json["shown"]["conflicts"]
    assert [(one["table"], one["key"], one["kept"]) for one in shown] == [
        ("public.items", "2", "source"),
        ("public.notes", "3", "source"),
    ]
    assert shop.run("conflicts", "--sync", "other").status == 1


def test_a_wrong_password_is_one_sentence(shop: Shop) -> None:
    wrong = shop.environment["SHOP_TARGET"].replace(PASSWORD, "not-it")
    for command in ("status", "preview", "release"):
        ended = shop.run(command, SHOP_TARGET=wrong)
        assert ended.status == 1
        assert "password authentication failed" in ended.said
        assert "not-it" not in ended.said
