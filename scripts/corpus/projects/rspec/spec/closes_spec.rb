RSpec.describe "closes" do
  after(:context) { raise "still open" }
  it("passes") {}
end
