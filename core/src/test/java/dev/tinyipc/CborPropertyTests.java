package dev.tinyipc;

import java.util.Random;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The properties of {@link CborBudgetFuzzTest}, without Jazzer, for many bodies that are
 * the same each time.
 */
@Timeout(120)
class CborPropertyTests {

	private static final int BODIES = 1500;

	private static final int SCRIPT_SIZE = 400;

	@ParameterizedTest
	@ValueSource(longs = { 1, 2, 3, 4 })
	void generatedBodiesAreReadOrRefusedWithinTheirBudget(long seed) throws Exception {
		Random random = new Random(seed);
		for (int i = 0; i < BODIES; i++) {
			byte[] script = new byte[SCRIPT_SIZE];
			random.nextBytes(script);
			new CborBudgetFuzzTest().generatedBodyIsReadOrRefusedWithinItsBudget(script);
		}
	}

}
