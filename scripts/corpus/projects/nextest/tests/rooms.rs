#[test]
fn opens() {}

#[test]
fn aborts() {
    std::process::abort();
}

#[test]
fn never_ends() {
    std::thread::sleep(std::time::Duration::from_secs(20));
}

#[test]
fn errs() -> Result<(), String> {
    Err("no database".into())
}
