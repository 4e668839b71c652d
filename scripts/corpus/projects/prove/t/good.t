use Test::More tests => 2;

ok(1, 'opens');
ok(1, 'shuts');
