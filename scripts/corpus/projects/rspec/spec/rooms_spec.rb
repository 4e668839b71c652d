RSpec.describe "rooms" do
  it("opens") { expect(1).to eq 1 }
  it("fails <&>") { expect("a & <b>").to eq "b" }
  it("errs") { raise TypeError, "no database" }
  it "is pending"
  xit("is skipped") { raise "never" }
  it("skips itself") { skip "only on Mars" }
  it "is known to fail" do
    pending "later"
    expect(1).to eq 2
  end
  it "was mended" do
    pending "later"
    expect(1).to eq 1
  end
  %w[red blue].each { |colour| it("has #{colour}") { expect(colour.length).to eq 3 } }

  it "fails twice", :aggregate_failures do
    expect(1).to eq 2
    expect(3).to eq 4
  end

  context "without a database" do
    before(:context) { raise "no database" }
    it("never runs") {}
    it("never runs either") {}
  end

  context "cleans up" do
    after { raise "rows were left" }
    it("has a bad hook") {}
    it("fails and has a bad hook") { expect(1).to eq 2 }
  end
end
