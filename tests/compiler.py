"""What tests ask of XLA: most of their time is the compiler's, and its programs run few times."""

import jax

UNOPTIMIZED = "--xla_backend_optimization_level=0"
if jax.__version_info__ < (0, 11):  # later ones end at a flag that they do not know
    UNOPTIMIZED += " --xla_cpu_use_fusion_emitters=false"
