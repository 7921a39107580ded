from tests.contract.postgres_command.commands import Shop
def test_x(shop: Shop):
    pair = shop.moved.pair
    for side in (pair.source, pair.target):
        with side.connect() as c:
            c.execute("CREATE SEQUENCE public.numbers"); 
            if side is pair.source: c.execute("GRANT ALL ON SEQUENCE public.numbers TO keeper")
    a=shop.run("checkpoint","--id","c1")
    with pair.target.connect() as c: c.execute("SELECT setval('public.numbers', 500)")
    shop.on_target("UPDATE items SET a='x' WHERE id=1")
    p=shop.run("preview"); r=shop.run("resume","--sync","s"); s=shop.run("status")
    with shop.capsys.disabled():
        print(a.said, p.said, r.said, s.said)
        with pair.source.connect() as c: print(c.execute("SELECT last_value, is_called FROM public.numbers").fetchone())
