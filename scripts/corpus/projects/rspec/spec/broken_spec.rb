raise "this file cannot be loaded"
