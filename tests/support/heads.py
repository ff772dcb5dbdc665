"""A recipe of the method "heads" that trains in seconds."""

RECIPE_TEXT = """\
method = "heads"
name = "tiny"
seeds = [3, 4]
folds = 2
[data]
attributes = "sun"
weak_attributes = "scenes"
weak_image_size = 32
scores = ["near", "far"]
summary = "Trained on noise."
training_data = "Generated pictures."
limits = "It knows nothing."
[network]
backbone = "tf_efficientnet_lite0"
image_size = 64
grid = 2
border = 0
attribute_link = "tanh"
[siam]
members = 2
attribute_epochs = 1
joint_epochs = 2
attribute_batch = 6
weak_batch = 4
scenicness_batch = 4
learning_rate = 1e-3
weight_decay = 1e-2
region_weight = 1.0
weak_weight = 0.4
scenicness_weight = 0.1
teacher_weight = 0.2
anchor_weight = 0.3
template_penalty = 0.0
[baseline]
ridge_penalty = 30.0
"""
