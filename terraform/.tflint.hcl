plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Roots and modules have a file for each subject; main.tf, variables.tf and outputs.tf are there in all.
rule "terraform_standard_module_structure" {
  enabled = true
}
