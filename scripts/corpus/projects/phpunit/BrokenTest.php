<?php

use PHPUnit\Framework\TestCase;

final class BrokenTest extends TestCase
{
    protected function setUp(): void
    {
        throw new RuntimeException('no database');
    }

    public function testNeverRuns(): void
    {
        $this->assertTrue(true);
    }
}
