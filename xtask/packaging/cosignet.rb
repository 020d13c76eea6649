# Made by `cargo xtask dist` of xtask/packaging/cosignet.rb.
class Cosignet < Formula
  desc "Verifies human approvals that were signed with passkeys"
  homepage "https://github.com/cosignet/verifier"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  on_macos do
    url "@BASE@/@SOURCE@"
    sha256 "@SOURCE_SHA256@"
    depends_on "cmake" => :build
    depends_on "rust" => :build
  end

  on_linux do
    on_intel do
      url "@BASE@/@INTEL@"
      sha256 "@INTEL_SHA256@"
    end
    on_arm do
      url "@BASE@/@ARM@"
      sha256 "@ARM_SHA256@"
    end
  end

  def install
    if OS.mac?
      # The page needs a target for WASM that Homebrew's compiler has not; verify.html is a download of
      # its own.
      system "cargo", "install", *std_cargo_args(path: "verifier-cli")
      system "cargo", "install", *std_cargo_args(path: "gate")
      system "cargo", "install", *std_cargo_args(path: "log-server"), "--features", "postgres,s3"
      system "cargo", "install", *std_cargo_args(path: "witness")
    else
      bin.install Dir["bin/*"]
      man1.install Dir["share/man/man1/*"]
      bash_completion.install Dir["share/completions/*.bash"]
      fish_completion.install Dir["share/completions/*.fish"]
      zsh_completion.install Dir["share/completions/_*"].reject { |path| path.end_with?(".ps1") }
    end
  end

  test do
    %w[cosignet cosignet-gate cosignet-log cosignet-witness].each do |name|
      assert_match version.to_s, shell_output("#{bin}/#{name} --version")
    end
    assert_match "payload.mismatch", shell_output("#{bin}/cosignet explain payload.mismatch")
  end
end
