use Test::More skip_all => 'only on Mars';
