<?php

use PHPUnit\Framework\TestCase;

final class RoomTest extends TestCase
{
    public function testOpens(): void
    {
        $this->assertTrue(true);
    }

    public function testFails(): void
    {
        $this->assertSame('b', 'a & <b>');
    }

    public function testErrs(): void
    {
        throw new RuntimeException('no database');
    }

    public function testSkips(): void
    {
        $this->markTestSkipped('only on Mars');
    }

    public function testIsIncomplete(): void
    {
        $this->markTestIncomplete('not yet');
    }

    /** @dataProvider colours */
    public function testColour(string $colour): void
    {
        $this->assertSame(3, strlen($colour));
    }

    public static function colours(): array
    {
        return ['red' => ['red'], 'blue' => ['blue'], '<&>' => ['<&>']];
    }

    /** @depends testFails */
    public function testFollows(): void
    {
        $this->assertTrue(true);
    }
}
