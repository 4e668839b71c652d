#[cfg(test)]
mod tests {
    #[test]
    fn opens() {}

    #[test]
    fn fails() {
        assert_eq!("a & <b>", "b");
    }

    #[test]
    #[ignore]
    fn is_ignored() {}

    #[test]
    #[should_panic]
    fn panics() {
        panic!("as it should");
    }

    #[test]
    fn reconnects() {
        if !std::path::Path::new("reconnected").exists() {
            std::fs::write("reconnected", "").unwrap();
            panic!("connection lost");
        }
    }
}
