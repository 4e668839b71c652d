use Test::More;

ok(1, 'opens');
is('a & <b>', 'b', 'fails # here');
SKIP: { skip 'only on Mars', 1; ok(0, 'never'); }
TODO: { local $TODO = 'later'; ok(0, 'is to do'); }
subtest 'has parts' => sub { ok(1, 'a good part'); };
done_testing;
