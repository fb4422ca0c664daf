package dev.tinyipc;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.tinyipc.Attempts.Probe;
import dev.tinyipc.Sandbox.Profile;
import dev.tinyipc.WaysOut.Way;
import dev.tinyipc.WaysOut.Without;

/** The table of {@code docs/security-table.md}, from what was measured. */
final class SecurityTable {

	private static final String HEAD = """
			# What a child tried, and what came of it

			`SandboxEscapeTests` tries to escape from each profile, as root and as nobody, with a program in C and with most of
			the same attempts in Python and Java, and makes this table of the results. Each attempt is also made without a
			profile: a refusal means something only if it works there. If it does not, the last two columns have a dash.
			A call that would do harm is made with arguments that the kernel refuses with an error of its own: to get that far
			counts as works.

			The table shows the results in C, as root; those in Python and Java are the same. As nobody, the attempts that work
			"for root" fail even without a profile; all others have the same results. Measured on Linux %s, x86-64, with
			version %d of Landlock's ABI.
			""";

	private final WaysOut ways;

	private final Attempts attempts;

	SecurityTable(WaysOut ways, Attempts attempts) {
		this.ways = ways;
		this.attempts = attempts;
	}

	/** The document. */
	String document(String kernel, int landlockAbi) {
		return HEAD.formatted(kernel, landlockAbi)
				+ this.ways.all().stream().map(Way::group).distinct().map(this::section).collect(Collectors.joining());
	}

	private String section(String group) {
		return "\n## " + group + """


				| The child tries to … | in | without a profile | `no-network` | `locked-down` |
				| --- | --- | --- | --- | --- |
				""" + rows(group).map((row) -> row.line() + '\n').collect(Collectors.joining());
	}

	/** All rows. */
	List<Row> rows() {
		return this.ways.all().stream().map(this::row).toList();
	}

	private Stream<Row> rows(String group) {
		return this.ways.all().stream().filter((way) -> way.group().equals(group)).map(this::row);
	}

	private Row row(Way way) {
		List<String> languages = ProbeRun.LANGUAGES.stream()
			.filter((language) -> this.attempts.of(new Probe("root", language, Profile.NONE)).contains(way.name()))
			.toList();
		Probe root = new Probe("root", languages.get(0), Profile.NONE);
		Probe nobody = root.as("nobody");
		boolean asRoot = this.attempts.worked(root, way.name());
		boolean asNobody = this.attempts.worked(nobody, way.name());
		String without = "**works**" + (asRoot ? (asNobody ? "" : " for root") : " for others than root");
		if (!asRoot && !asNobody) {
			without = ((way.without() == Without.NEVER) ? "refused: " : "not possible here: ")
					+ this.attempts.reason(root, way.name());
		}
		Probe shown = (asRoot || !asNobody) ? root : nobody;
		boolean proves = asRoot || asNobody;
		String line = "| " + way.description() + " | " + String.join(", ", languages) + " | " + without + " | "
				+ (proves ? cell(shown.with(Profile.NO_NETWORK), way) : "–") + " | "
				+ (proves ? cell(shown.with(Profile.LOCKED_DOWN), way) : "–") + " |";
		return new Row(way, proves, line);
	}

	private String cell(Probe probe, Way way) {
		if (this.attempts.worked(probe, way.name())) {
			return "**works**";
		}
		String reason = this.attempts.reason(probe, way.name());
		// What a JDK says of it may change.
		return reason.matches("[A-Z]+") ? "refused: " + reason : "refused";
	}

	/**
	 * A row of the table.
	 *
	 * @param proves whether it works here without a profile
	 */
	record Row(Way way, boolean proves, String line) {
	}

}
